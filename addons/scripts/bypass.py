"""mitmdump -s .../addons/scripts/bypass.py --set bypass_mode=suggest --set bypass_rules=rules.toml"""

from addons.proxy.bypass import Bypass
from addons.proxy.recorder import Recorder
from addons.proxy.truth import UpstreamTruth
from addons.store.keeper import Keeper

keeper = Keeper()
bypass = Bypass(keeper)
# The recorder comes first: what still waits in it at the end goes to the keeper, which Bypass closes.
addons = [Recorder(keeper, bypass.is_bound), bypass, UpstreamTruth()]
