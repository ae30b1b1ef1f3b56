"""From records to tables and figures; nothing here trains or needs an accelerator."""
