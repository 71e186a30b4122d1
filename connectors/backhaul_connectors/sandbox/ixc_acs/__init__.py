"""The sandbox of IXC ACS: the vendor's interface over the fictional ISP."""
