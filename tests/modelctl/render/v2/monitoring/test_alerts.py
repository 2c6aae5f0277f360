"""When somebody is told, found out by Prometheus itself, and when nobody is."""

from dataclasses import replace
from pathlib import Path

import pytest

import promtool
from modelctl.repo.kinds import ArgoCd, Environment, Model, Release, ServiceLevel, Serving
from tests.modelctl.render.v2.monitoring.scene import Behaviour, Scene

pytestmark = promtool.needed

GOOD = Behaviour()
BAD = Behaviour(answered=540, failed=60)


@pytest.fixture
def scene(
    model: Model, releases: dict[str, Release], serving: Serving, environment: Environment
) -> Scene:
    """A canary at 10 % beside the stable release, an hour in which both do well."""
    return Scene(
        model,
        releases,
        replace(serving, weights={"r1": 90, "r2": 10}),
        replace(
            environment,
            template="v2",
            argocd=ArgoCd(
                dashboards_url="https://grafana.acme.test/",
                runbooks_url="https://docs.acme.test/monitoring",
            ),
        ),
        {"r1": Behaviour(answered=5400), "r2": GOOD},
    )


def _does(scene: Scene, **does: Behaviour) -> Scene:
    return replace(scene, does={**scene.does, **does})


def _serves(scene: Scene, **weights: int) -> Scene:
    return replace(scene, serving=replace(scene.serving, weights=weights))


def _require(folder: Path, scene: Scene, **alerts: set[str]) -> None:
    __tracebackhide__ = True
    assert "" == promtool.test_rules(folder, scene.groups, [scene.told(alerts)])


def test_nobody_is_told_while_all_is_well(tmp_path: Path, scene: Scene) -> None:
    """Traffic as git says, answered in time: no alert is on."""
    _require(tmp_path, scene)


def test_a_release_that_fails_uses_its_promise_up(tmp_path: Path, scene: Scene) -> None:
    """One in ten fails where one in a thousand may: all windows say so, and the comparison."""
    found = _does(scene, r2=BAD)

    _require(tmp_path, found, ModelErrors={"r2"}, ModelCanaryFails={"r2"})


def test_failures_within_the_promise_are_no_news(tmp_path: Path, scene: Scene) -> None:
    """Three in ten thousand fail where ten may."""
    _require(tmp_path, _does(scene, r1=Behaviour(answered=5398, failed=2)))


def test_a_slow_leak_is_told_in_days(tmp_path: Path, scene: Scene) -> None:
    """Three times the promised failures are a warning of the three days, and nothing else."""
    found = _does(scene, r1=Behaviour(answered=5384, failed=16))
    warnings = {"alertname": "ModelErrors", "severity": "warning", "window": "3d"}
    labels = ", ".join(f'{name}="{value}"' for name, value in warnings.items())
    expected = {
        "expr": 'group by (alertname, severity, window) (ALERTS{alertstate="firing"})',
        "eval_time": "60m",
        "exp_samples": [{"labels": f"{{{labels}}}", "value": 1}],
    }

    test = found.test(promql_expr_test=[expected])

    assert "" == promtool.test_rules(tmp_path, found.groups, [test])


def test_it_ends_soon_after_the_failures(tmp_path: Path, scene: Scene) -> None:
    """The short windows end what is critical while the long ones still remember."""
    found = replace(_does(scene, r2=replace(BAD, failing_minutes=30)), minutes=75)
    critical = 'group by (alertname) (ALERTS{alertstate="firing", severity="critical"})'
    ended = {"expr": critical, "eval_time": "75m", "exp_samples": []}

    test = found.test(promql_expr_test=[ended])

    assert "" == promtool.test_rules(tmp_path, found.groups, [test])


def test_a_slow_release_breaks_its_promise(tmp_path: Path, scene: Scene) -> None:
    """One in five is slower than 50 ms, and slower than the stable release."""
    found = _does(scene, r2=Behaviour(slow=120))

    _require(tmp_path, found, ModelSlow={"r2"}, ModelCanarySlow={"r2"})


def test_few_requests_are_no_news(tmp_path: Path, scene: Scene) -> None:
    """A canary that failed three times among little traffic compares with nothing."""
    few = {"r1": Behaviour(answered=9), "r2": Behaviour(failed=1, answered=0, failing_minutes=3)}

    _require(tmp_path, replace(scene, does=few))


def test_a_release_without_weight_wakes_nobody(tmp_path: Path, scene: Scene) -> None:
    """At weight 0 a release may fail, be slow and be full: whoever calls it asked for it."""
    bad = Behaviour(answered=0, failed=60, slow=60, role="direct", in_flight=64)

    _require(tmp_path, _serves(_does(scene, r2=bad), r1=100, r2=0))


def test_copies_wake_nobody(tmp_path: Path, scene: Scene) -> None:
    """Failed copies of requests hurt no caller."""
    shadowed = _serves(scene, r1=100, r2=0)

    _require(tmp_path, _does(shadowed, r2=replace(BAD, role="shadow")))


def test_another_share_than_in_git_is_told(tmp_path: Path, scene: Scene) -> None:
    """Half of the traffic goes where git says a tenth."""
    found = _does(scene, r1=Behaviour(answered=3000), r2=Behaviour(answered=3000))

    _require(tmp_path, found, ModelShareOff={"r1", "r2"})


def test_a_canary_that_gets_nothing_is_told(tmp_path: Path, scene: Scene) -> None:
    """A tenth of the traffic in git, and none that arrives."""
    found = _does(scene, r1=Behaviour(answered=6000), r2=Behaviour(answered=0))

    _require(tmp_path, found, ModelShareOff={"r1", "r2"})


def test_a_crash_loop_is_told_at_any_weight(tmp_path: Path, scene: Scene) -> None:
    """A release that does not start is a warning, and takes no traffic."""
    crashing = Behaviour(pods=0, is_scraped=False, crash_loops=True, restarts=0.2, answered=0)
    weightless = _serves(_does(scene, r2=crashing), r1=100, r2=0)

    _require(
        tmp_path,
        weightless,
        ModelCrashLoops={"r2"},
        ModelRestarts={"r2"},
        ModelTooFewReady={"r2"},
    )


def test_no_ready_pod_behind_weight_is_critical(tmp_path: Path, scene: Scene) -> None:
    """All of it is told: nothing is ready, nothing is measured, too few are there."""
    gone = Behaviour(pods=0, is_scraped=False)

    _require(
        tmp_path,
        _does(scene, r2=gone),
        ModelNoneReady={"r2"},
        ModelNoData={"r2"},
        ModelTooFewReady={"r2"},
    )


def test_a_pod_too_few_is_a_warning(tmp_path: Path, scene: Scene) -> None:
    """One of two is ready for longer than a start may take."""
    _require(tmp_path, _does(scene, r2=replace(GOOD, pods=1)), ModelTooFewReady={"r2"})


def test_a_full_release_is_told(tmp_path: Path, scene: Scene) -> None:
    """60 of 64 requests at once."""
    _require(tmp_path, _does(scene, r2=replace(GOOD, in_flight=60)), ModelSaturated={"r2"})


@pytest.mark.parametrize(
    "blind",
    [
        replace(GOOD, is_scraped=False),
        replace(GOOD, is_known=False),
        replace(GOOD, bounds=("0.01", "+Inf")),
    ],
    ids=["server", "kubernetes", "latency"],
)
def test_no_data_is_an_alert(tmp_path: Path, scene: Scene, blind: Behaviour) -> None:
    """Servers that are not read, pods that are not known, a latency that is not counted."""
    _require(tmp_path, _does(scene, r2=blind), ModelNoData={"r2"})


def test_a_model_of_another_team_is_not_meant(tmp_path: Path, scene: Scene) -> None:
    """Series of the same name in another namespace set nothing off."""
    stranger = replace(scene.model, owner="other")
    test = scene.told({})
    elsewhere = replace(scene, model=stranger, does={"r1": BAD, "r2": BAD}).test()

    test["input_series"] += elsewhere["input_series"]

    assert "" == promtool.test_rules(tmp_path, scene.groups, [test])


@pytest.mark.parametrize("error_rate", [0, 0.05, 0.1, 0.5, 0.9])
def test_every_promise_can_be_broken(tmp_path: Path, scene: Scene, error_rate: float) -> None:
    """However lax a promise is, a model of which all requests fail has broken it."""
    level = ServiceLevel(latency_p99_ms=50, error_rate=error_rate, peak_rps=1)
    lax = replace(scene, model=replace(scene.model, service_level=level))
    failing = _serves(lax, r1=100)
    broken = replace(failing, does={"r1": Behaviour(answered=0, failed=600)})

    _require(tmp_path, broken, ModelErrors={"r1"})


def test_an_alert_says_what_where_and_what_next(tmp_path: Path, scene: Scene) -> None:
    """Summary and description have the numbers, the links lead to the page and the dashboard."""
    found = _does(scene, r2=BAD)
    expected = {
        "eval_time": "60m",
        "alertname": "ModelCanaryFails",
        "exp_alerts": [
            {
                "exp_labels": {
                    "severity": "critical",
                    "environment": "staging",
                    "team": "vision",
                    "namespace": "models-vision",
                    "model": "digits-cnn",
                    "release": "r2",
                },
                "exp_annotations": {
                    "summary": "digits-cnn r2 fails more than the stable release: 10%",
                    "description": "10% of the requests to release r2 of digits-cnn failed in the "
                    "last 10 minutes: more than 2 times the share of the stable release and the "
                    "promised 0.1 % together.",
                    "runbook_url": "https://docs.acme.test/monitoring#modelcanaryfails",
                    "dashboard_url": "https://grafana.acme.test/d/modelctl-model"
                    "?var-model=digits-cnn&var-release=r2",
                },
            }
        ],
    }

    test = found.test(alert_rule_test=[expected])

    assert "" == promtool.test_rules(tmp_path, found.groups, [test])
