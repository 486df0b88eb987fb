"""mitmdump -s .../addons/scripts/bypass.py --set bypass_rules=rules.toml"""

from addons.proxy.bypass import Bypass

addons = [Bypass()]
