"""mitmproxy addons: let exactly the right hosts through."""
