"""CVE Services, where organisations that assign CVE ids reserve them and publish their records."""
