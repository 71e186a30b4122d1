"""The Axialys sandbox: click-to-call, the callback setting, and callbacks that are really sent."""
