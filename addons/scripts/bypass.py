"""mitmdump -s .../addons/scripts/bypass.py --set bypass_rules=rules.toml --set bypass_log=attempts.ndjson"""

from addons.proxy.bypass import Bypass
from addons.proxy.recorder import Recorder

addons = [Bypass(), Recorder()]
