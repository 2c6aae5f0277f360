"""The whole status, from the engine as it is now."""

from modelctl.local.engine import Engine
from modelctl.local.envoy.measure import Readings
from modelctl.local.journal import Journal
from modelctl.local.observe.report import ModelFacts, ReplicaFacts, model_status
from modelctl.local.plan.rollout import Rollout
from modelctl.local.plan.values import Workload
from modelctl.local.servers.replica import Replica
from modelctl.local.servers.supervisor import Supervisor
from modelctl.status.values import Addresses, EngineStatus, ModelStatus, Sync

_SHOWN_FINDINGS = 50  # `modelctl check` has the rest


class Overview:
    """Reads engine, supervisor and journal, and changes none of them."""

    def __init__(
        self, addresses: Addresses, engine: Engine, supervisor: Supervisor, journal: Journal
    ) -> None:
        self.addresses = addresses
        self._engine = engine
        self._supervisor = supervisor
        self._journal = journal

    def status(self) -> EngineStatus:
        """The status now."""
        engine = self._engine
        recent = engine.window.since(0)
        models = tuple(
            self._model(rollout, recent) for _, rollout in sorted(engine.rollouts.items())
        )
        sync, reason = self._sync(models)
        faults = (engine.source_fault, engine.fault, engine.good_fault)
        return EngineStatus(
            addresses=self.addresses,
            sync=sync,
            sync_reason=reason,
            seen=engine.seen.commit if engine.seen else None,
            synced=engine.complete.commit if engine.complete else None,
            findings=self._findings(),
            fault="; ".join(fault for fault in faults if fault),
            window_s=engine.window.length_s,
            models=models,
            events=self._journal.of(""),
        )

    def _sync(self, models: tuple[ModelStatus, ...]) -> tuple[Sync, str]:
        engine = self._engine
        if engine.source_fault:
            return Sync.UNKNOWN, engine.source_fault
        if engine.seen is None:
            return Sync.UNKNOWN, "no revision has been read yet"
        if engine.seen.refusal is not None:
            return Sync.OUT_OF_SYNC, self._refusal()
        if engine.seen.refused:
            return Sync.OUT_OF_SYNC, f"refused for {', '.join(engine.seen.refused)}"
        behind = [model.model for model in models if model.sync is not Sync.SYNCED]
        return (Sync.OUT_OF_SYNC, f"not yet: {', '.join(behind)}") if behind else (Sync.SYNCED, "")

    def _refusal(self) -> str:
        seen = self._engine.seen
        return f"{seen.commit.id[:12]} is refused: {seen.refusal}" if seen else ""

    def _findings(self) -> tuple[str, ...]:
        findings = self._engine.seen.findings if self._engine.seen else ()
        return tuple(f"{finding.level}: {finding}" for finding in findings[:_SHOWN_FINDINGS])

    def _model(self, rollout: Rollout, recent: Readings) -> ModelStatus:
        workloads: dict[str, Workload] = rollout.workloads()
        replicas: dict[str, list[ReplicaFacts]] = {}
        for name, group in self._supervisor.groups.items():
            if group.workload.model == rollout.model:
                workloads.setdefault(name, group.workload)
                replicas[name] = [self._replica(replica) for replica in group.replicas]
        facts = ModelFacts(
            workloads=tuple(workloads.values()),
            replicas=replicas,
            recent=recent,
            since_change=self._engine.window.of_split(rollout.done.aim.split),
            refused=self._refused(rollout.model),
            events=self._journal.of(rollout.model),
        )
        return model_status(rollout, facts)

    def _replica(self, replica: Replica) -> ReplicaFacts:
        return ReplicaFacts(
            phase=replica.phase,
            routed=replica.port in self._engine.healthy,
            reason=replica.reason,
            restarts=replica.restarts,
            failing=replica.failing,
        )

    def _refused(self, model: str) -> str:
        """Why the newest revision of a model is not applied, if that was refused and changes it."""
        seen, accepted = self._engine.seen, self._engine.accepted
        if seen is not None and model in seen.refused:
            return f"{seen.commit.id[:12]} is refused: {seen.refused[model]}"
        if seen is None or accepted is None or seen.refusal is None:
            return ""
        same = seen.identities.get(model) == accepted.identities.get(model)
        return "" if same else self._refusal()
