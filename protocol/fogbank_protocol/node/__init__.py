"""The shells: trio, sockets, mDNS and files that obey the machines below."""
