"""One model, several replicas: where they are, which one is asked, and what happens when one fails.

``pool file -> endpoints -> discovery -> ReplicaSet -> choice -> Lane (an attempt) -> text``

A replica that fails again and again is ejected for a while (`ejection`). A call that fails before its
first text is tried on another replica (`course`), one that is slow to begin is hedged (`race`), and one
that breaks off goes on elsewhere (`continuation`).
"""
