"""Pure decisions: when a cron trigger fires, which event a trigger wants."""
