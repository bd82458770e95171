"""Mail: one more service, that reaches people one by one."""
