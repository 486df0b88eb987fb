"""mitmdump -s .../addons/scripts/bypass.py --set bypass_mode=suggest --set bypass_rules=rules.toml"""

from addons.proxy.bypass import Bypass
from addons.proxy.coalescing import Coalescing
from addons.proxy.recorder import Recorder
from addons.proxy.truth import UpstreamTruth
from addons.store.keeper import Keeper

keeper = Keeper()
addons = [Bypass(keeper), Coalescing(keeper), Recorder(keeper), UpstreamTruth()]
