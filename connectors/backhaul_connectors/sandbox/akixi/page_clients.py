"""The fifteen integrator clients of the vendor page's sample list, in its order."""

from __future__ import annotations

from backhaul_connectors.sandbox.akixi.directory import ANY_DEVICE, Scope

__all__ = ["PAGE_CLIENTS", "PAGE_ENVIRONMENT"]

PAGE_ENVIRONMENT = "d6d6c5a5f0f90d60:-15617a00:169f533f6d5:5613"
"""The ``CMEnvironmentID`` of the vendor page."""

PAGE_CLIENTS = (
    ("174546f958aa15f1:2744ca9:19889c3e648:-2229", "Child Test", Scope(389, -3, ANY_DEVICE)),
    ("a05241ee7b21d0ac:-69f03ef2:1989d3eaf18:3533", "3", Scope(403, -3, ANY_DEVICE)),
    ("a05241ee7b21d0ac:-69f03ef2:1989d3eaf18:7877", "test-123", Scope(398, -1, ANY_DEVICE)),
    ("a05241ee7b21d0ac:-69f03ef2:1989d3eaf18:79d4", "123", Scope(366, -1, ANY_DEVICE)),
    ("a21abf960a398ee2:7b73f31a:198cb98618e:6e40", "Colin Scope", Scope(403, -3, ANY_DEVICE)),
    ("a21abf960a398ee2:7b73f31a:198eb3531fc:-7aed", "Regression-Test-1", Scope(401, -1, ANY_DEVICE)),
    ("a21abf960a398ee2:7b73f31a:198eb3531fc:c07", "Regression-Test-2-telsysy-part", Scope(401, -3, ANY_DEVICE)),
    ("a21abf960a398ee2:7b73f31a:198eb3531fc:ca1", "Regression-Test-2-telsysy-part-device", Scope(401, -3, ANY_DEVICE)),
    ("fd3548fed99dcd47:463d17a5:198608d9cb3:-79b7", "All Mondago.net", Scope(403, -3, ANY_DEVICE)),
    ("fd3548fed99dcd47:463d17a5:198648022c9:-7e7b", "Chris' Device", Scope(403, -3, ANY_DEVICE)),
    ("fd3548fed99dcd47:463d17a5:19864e67f42:79b8", "3", Scope(403, -3, ANY_DEVICE)),
    ("3d5b6efefaa0a823:3af2db2a:199bb1c0014:-36cd", "test CXI", Scope(426, 1, "+442046034981")),
    ("3d5b6efefaa0a823:3af2db2a:199b9df0851:7aec", "test CXI", Scope(417, 1, "01234567102")),
    ("a21abf960a398ee2:7b73f31a:198d18707a9:6b7b", "No Config Access", Scope(417, 1, ANY_DEVICE)),
    ("a21abf960a398ee2:7b73f31a:198d18707a9:6e88", "Config Access Allowed", Scope(417, 1, "01234567120")),
)
"""Id, description and scope."""
