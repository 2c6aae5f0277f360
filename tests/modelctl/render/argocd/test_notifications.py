"""Who is told what became of a revision."""

import json
from dataclasses import replace

import pytest
import yaml

from modelctl.render.argocd.notifications import notifications
from modelctl.repo.kinds import ArgoCd, Environment, Forge, GitSource, Notifications

EVENTS = ("deployed", "failed", "degraded")


def test_each_event_is_told_once_a_revision(prod: Environment, source: GitSource) -> None:
    """Every trigger counts by the revision of the operation, and sends the template of its name."""
    found = notifications(prod, source)

    for event in EVENTS:
        (trigger,) = yaml.safe_load(found[f"trigger.{event}"])

        assert "app.status?.operationState?.operation?.sync?.revision" == trigger["oncePer"]
        assert [event] == trigger["send"]
        assert f"template.{event}" in found


def test_a_sync_that_is_tried_without_end_is_told_as_failed(
    prod: Environment, source: GitSource
) -> None:
    """With endless retries an operation never comes to be Failed: its retries are counted."""
    (trigger,) = yaml.safe_load(notifications(prod, source)["trigger.failed"])

    assert "retryCount ?? 0) >= 2" in trigger["when"]


def test_every_recipient_has_a_service_and_a_request(prod: Environment, source: GitSource) -> None:
    """What is subscribed can be sent."""
    found = notifications(prod, source)
    (subscription,) = yaml.safe_load(found["subscriptions"])

    assert ["chat", "commit-status"] == subscription["recipients"]
    assert list(EVENTS) == subscription["triggers"]
    for recipient in subscription["recipients"]:
        assert f"service.webhook.{recipient}" in found
        for event in EVENTS:
            assert recipient in yaml.safe_load(found[f"template.{event}"])["webhook"]


def test_no_secret_is_written(prod: Environment, source: GitSource) -> None:
    """Addresses of chats and tokens are keys of a Secret."""
    found = notifications(prod, source)
    chat = yaml.safe_load(found["service.webhook.chat"])
    commit = yaml.safe_load(found["service.webhook.commit-status"])

    assert "$chat-url" == chat["url"]
    assert {"name": "PRIVATE-TOKEN", "value": "$commit-status-token"} in commit["headers"]


@pytest.mark.parametrize(
    ("forge", "api", "path", "failed"),
    [
        ("gitlab", "https://git.acme.test/api/v4", "/projects/platform%2Fmodels/", "failed"),
        ("github", "https://git.acme.test/api/v3", "/repos/platform/models/", "failure"),
        ("gitea", "https://git.acme.test/api/v1", "/repos/platform/models/", "failure"),
    ],
)
def test_a_commit_is_told_in_the_words_of_its_forge(
    prod: Environment, source: GitSource, *, forge: Forge, api: str, path: str, failed: str
) -> None:
    """Each forge has its own address and its own word for what went wrong."""
    found = notifications(prod, replace(source, forge=forge))
    requests = {
        event: yaml.safe_load(found[f"template.{event}"])["webhook"]["commit-status"]
        for event in EVENTS
    }

    assert api == yaml.safe_load(found["service.webhook.commit-status"])["url"]
    assert {True} == {request["path"].startswith(path) for request in requests.values()}
    states = {event: json.loads(requests[event]["body"])["state"] for event in EVENTS}
    assert {"deployed": "success", "failed": failed, "degraded": failed} == states


@pytest.mark.parametrize("settings", [None, ArgoCd(), ArgoCd(notifications=Notifications())])
def test_nobody_is_told_unless_asked_for(
    prod: Environment, source: GitSource, settings: ArgoCd | None
) -> None:
    """Without anybody to tell there is no setting."""
    assert {} == notifications(replace(prod, argocd=settings), source)


def test_without_a_forge_no_commit_is_told(prod: Environment, source: GitSource) -> None:
    """Nothing says how its status would be set; the chat is told all the same."""
    found = notifications(prod, replace(source, forge=None))

    assert ["chat"] == yaml.safe_load(found["subscriptions"])[0]["recipients"]
