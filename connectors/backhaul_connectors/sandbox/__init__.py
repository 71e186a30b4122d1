"""The sandbox: one seeded fictional ISP behind the vendors' own HTTP interfaces, on loopback."""
