"""The sandbox of IXC Provider: the vendor's interface over the fictional ISP."""
