"""The API's routes, `/api/v1`."""
