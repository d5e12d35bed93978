"""Work: everything that was registered to run in the background, by name; it holds no rows and runs nothing itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from adplanning_plugin.kernel.errors import ConfigurationError, NotFound
from adplanning_plugin.kernel.runtime import Runtime

if TYPE_CHECKING:
    from adplanning_plugin.kernel.events import Subscription
    from adplanning_plugin.kernel.jobs import Job
    from adplanning_plugin.kernel.sweep import Sweep
    from adplanning_plugin.kernel.workflows import Workflow, WorkflowHook

EVENTS, JOBS, RUNS = "events", "jobs", "runs"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
T = TypeVar("T")


class Work:
    """Subscriptions, jobs, workflows and sweeps of one installation; a duplicate id names both owners."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.jobs: dict[str, Job] = {}
        self.workflows: dict[str, Workflow] = {}
        self.workflow_hooks: dict[tuple[str, str], list[WorkflowHook]] = {}
        self.sweeps: dict[str, Sweep] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._by_event: dict[str, tuple[Subscription, ...]] = {}
        self._nudges: list[Callable[[], None]] = []

    @classmethod
    def collect(cls, runtime: Runtime) -> Work:
        """Ask every plugin for what it registers, and check that it fits together."""
        work = cls()
        for owner, item in registered(runtime, "register_subscribers", runtime=runtime):
            work.add_subscription(item, owner)
        for owner, item in registered(runtime, "register_jobs", runtime=runtime):
            work.add_job(item, owner)
        for owner, item in registered(runtime, "register_workflows", runtime=runtime):
            work.add_workflow(item, owner)
        for owner, item in registered(runtime, "register_workflow_hooks"):
            work.add_workflow_hook(item, owner)
        for owner, item in registered(runtime, "register_sweeps", runtime=runtime):
            work.add_sweep(item, owner)
        if work.sweeps:
            from adplanning_plugin.kernel.backfill import sweep_job

            work.add_job(sweep_job(), "the kernel")
        work.check()
        return work

    def add_subscription(self, subscription: Subscription, owner: str = "the application") -> None:
        """Register a subscriber."""
        self._own("subscriber", subscription.id, owner)
        if not subscription.events:
            raise ConfigurationError(f"Subscriber {subscription.id!r} of {owner} lists no events: name at least one.")
        self.subscriptions[subscription.id] = subscription
        self._by_event.clear()

    def add_job(self, job: Job, owner: str = "the application") -> None:
        """Register a scheduled job."""
        self._own("job", job.name, owner)
        self.jobs[job.name] = job

    def add_workflow(self, workflow: Workflow, owner: str = "the application") -> None:
        """Register a workflow."""
        self._own("workflow", workflow.name, owner)
        self.workflows[workflow.name] = workflow

    def add_workflow_hook(self, hook: WorkflowHook, owner: str = "the application") -> None:
        """Register a step at a workflow's hook point."""
        self._own("workflow hook", hook.id, owner)
        self.workflow_hooks.setdefault((hook.workflow, hook.point), []).append(hook)

    def add_sweep(self, sweep: Sweep, owner: str = "the application") -> None:
        """Register a sweep."""
        self._own("sweep", sweep.id, owner)
        self.sweeps[sweep.id] = sweep

    def check(self) -> None:
        """What can only be said once everything is registered.

        Raises:
            ConfigurationError: a hook at a point that no workflow has, a sweep after one that does not exist, a circle.
        """
        for (name, point), hooks in self.workflow_hooks.items():
            workflow = self.workflows.get(name)
            if workflow is None:
                known = ", ".join(sorted(self.workflows)) or "none"
                raise ConfigurationError(f"Hook {hooks[0].id!r} names workflow {name!r}; there are: {known}.")
            if point not in workflow.hooks:
                points = ", ".join(workflow.hooks) or "none"
                message = f"Hook {hooks[0].id!r} names point {point!r} of {name!r}, which has: {points}."
                raise ConfigurationError(message)
        self.ordered_sweeps()

    def subscribers_of(self, name: str) -> tuple[Subscription, ...]:
        """Who listens to an event of that name."""
        found = self._by_event.get(name)
        if found is None:
            found = tuple(each for each in self.subscriptions.values() if each.matches(name))
            self._by_event[name] = found
        return found

    def job(self, name: str) -> Job:
        """A job by name, or `NotFound`."""
        return _found(self.jobs, name, "job")

    def workflow(self, name: str) -> Workflow:
        """A workflow by name, or `NotFound`."""
        return _found(self.workflows, name, "workflow")

    def ordered_sweeps(self) -> Sequence[Sweep]:
        """All sweeps, each after those that it names in `after`."""
        done: dict[str, Sweep] = {}

        def visit(sweep: Sweep, path: tuple[str, ...]) -> None:
            if sweep.id in done:
                return
            if sweep.id in path:
                raise ConfigurationError(f"Sweeps wait for each other in a circle: {' → '.join((*path, sweep.id))}.")
            for earlier in sweep.after:
                if earlier in self.sweeps:  # a domain that is switched off takes its sweep with it
                    visit(self.sweeps[earlier], (*path, sweep.id))
            done[sweep.id] = sweep

        for sweep in self.sweeps.values():
            visit(sweep, ())
        return tuple(done.values())

    @property
    def queues(self) -> frozenset[str]:
        """Every queue that work may wait in."""
        return frozenset({EVENTS, JOBS, RUNS, *(each.queue for each in self.subscriptions.values())})

    def on_nudge(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back (from the event loop) after each commit that left work behind; returns how to stop that."""
        self._nudges.append(callback)
        return lambda: self._nudges.remove(callback)

    def nudge(self) -> None:
        """Tell the worker in this process, and through the broker those elsewhere, that work is waiting."""
        for callback in tuple(self._nudges):
            callback()

    def _own(self, kind: str, key: str, owner: str) -> None:
        if not _NAME.match(key):
            raise ConfigurationError(f"The {kind} id {key!r} of {owner} must be letters, digits, '_', '.' or '-'.")
        first = self._owners.setdefault((kind, key), owner)
        if self._is_taken(kind, key):
            message = f"The {kind} {key!r} is registered by {first} and by {owner}: rename or remove one."
            raise ConfigurationError(message)

    def _is_taken(self, kind: str, key: str) -> bool:
        places: dict[str, dict[str, Any]] = {
            "subscriber": self.subscriptions,
            "job": self.jobs,
            "workflow": self.workflows,
            "sweep": self.sweeps,
            "workflow hook": {hook.id: hook for hooks in self.workflow_hooks.values() for hook in hooks},
        }
        return key in places[kind]


def registered(runtime: Runtime, hook: str, /, **arguments: object) -> Iterator[tuple[str, Any]]:
    """What each plugin returns from a registering hook, with the plugin's name, in the order of registration."""
    plugins = [plugin for _, plugin in runtime.hooks.list_name_plugin() if plugin is not None]
    for plugin in plugins:
        others = [other for other in plugins if other is not plugin]
        results = runtime.hooks.subset_hook_caller(hook, others)(**arguments)
        for result in results:
            for item in result or ():
                yield runtime.hooks.get_name(plugin) or repr(plugin), item


def _found(items: dict[str, T], name: str, kind: str) -> T:
    try:
        return items[name]
    except KeyError:
        known = ", ".join(sorted(items)) or "none"
        raise NotFound(f"There is no {kind} {name!r}; there are: {known}.") from None
