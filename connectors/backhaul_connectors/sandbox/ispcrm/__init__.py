"""The ISPCRM sandbox: discovery, users with a derived status, and creation with its undocumented answer."""
