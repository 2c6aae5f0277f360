"""How Argo CD syncs: the settings that were measured, each with what it is for.

Nothing in a sync waits for the health of anything. With a wave, a hook or `PruneLast` one would,
and a sick canary would hold back the commit that reverts it until its progress deadline is over.
"""

from modelctl.render.argocd.metadata import Object

OPTIONS = (
    # Only what differs is applied: the API server of a fleet is not asked about the rest.
    "ApplyOutOfSyncOnly=true",
    # An object that another Application has is not taken from it.
    "FailOnSharedResource=true",
    # Fields that others set, such as replicas by the autoscaler, stay theirs.
    "ServerSideApply=true",
)
# A Deployment that is pruned is gone at once and its pods follow. In the foreground it would stay
# in deletion until the last pod is gone, and a revert within that time would be applied onto it.
PRUNE_OPTION = "PrunePropagationPolicy=background"


def retry() -> Object:
    """Again and again, with the newest commit: what was missing may come, whatever that was.

    After a last try Argo CD would do nothing more at this commit, however long the cause is gone.
    The longest pause bounds how much later than its cause a failure ends.
    """
    return {
        "limit": -1,
        "refresh": True,
        "backoff": {"duration": "5s", "factor": 2, "maxDuration": "20s"},
    }
