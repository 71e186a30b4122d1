"""The Akixi sandbox: sessions and keys, the five IntegratorClient operations, directories and reports."""
