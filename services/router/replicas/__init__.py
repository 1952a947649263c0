"""One model, several replicas: where they are, which one is asked, and what happens when one fails.

``pool file -> endpoints -> discovery -> ReplicaSet -> choice -> attempt -> first text -> the rest``

A replica that fails in a row is ejected for a while (`ejection`). A call that fails before its first text
is tried on another replica (`retry`), one that is slow to begin is hedged (`hedging`), and one that
breaks off goes on elsewhere (`continuation`).
"""
