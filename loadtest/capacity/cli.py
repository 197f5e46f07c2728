"""`loadtest capacity`: fit a model on runs, check it on another, plan with it.

Exit codes: 0 done, 1 it cannot be (a file, or a run that the model was fitted on), 2 for wrong
arguments.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import DecodeError

from loadtest import results
from loadtest.capacity import model as models
from loadtest.capacity.model import fit_model, predict
from loadtest.capacity.observations import Observation, observe
from loadtest.capacity.plan import plan
from loadtest.capacity.text import check_text, model_text, plan_text
from loadtest.capacity.wish import Wish
from loadtest.preflight.demand import WORKER_RESERVED_DESCRIPTORS


class CapacityError(Exception):
    """It cannot be done; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], str] = options.command
    try:
        said = command(options)
    except CapacityError as exc:
        sys.stderr.write(f"capacity: {exc}\n")
        return 1
    sys.stdout.write(said + "\n")
    return 0


def _fit(options: argparse.Namespace) -> str:
    runs = [_observe(path) for path in options.runs]
    saturated = [_observe(path) for path in options.saturated]
    if len({run.digest for run in runs}) < len(runs):
        raise CapacityError("a run is there twice; it would count twice.")
    model = fit_model(runs, saturated)
    output: Path = options.output
    try:
        models.write(model, output)
    except OSError as exc:
        raise CapacityError(f"{output}: {exc.strerror}.") from None
    return f"{model_text(model)}\n\n{output}"


def _check(options: argparse.Namespace) -> str:
    model = _model(options.model)
    run = _observe(options.run)
    if model.knows(run):
        raise CapacityError(
            f"{options.run}: the model was fitted on this run, so it proves nothing. "
            "Check it on another."
        )
    said = f"{run.started_at}  {run.title}\n\n{check_text(predict(model, run))}"
    if run.others:
        said += f"\n\nThis run had {' and '.join(run.others)}, which the model does not know."
    return said


def _plan(options: argparse.Namespace) -> str:
    wish = Wish(
        connections=options.connections,
        messages_per_s=options.messages_per_s,
        room_size=options.room_size,
        reconnects_per_s=options.reconnects_per_s,
        descriptors=options.worker_descriptors,
        utilisation=options.utilisation,
    )
    return plan_text(wish, plan(_model(options.model), wish))


def _observe(path: Path) -> Observation:
    try:
        return observe(results.read(path))
    except OSError as exc:
        raise CapacityError(f"{path}: {exc.strerror}.") from None
    except (DecodeError, UnicodeDecodeError) as exc:
        raise CapacityError(f"{path}: {exc}.") from None


def _model(path: Path) -> models.Model:
    try:
        return models.read(path)
    except OSError as exc:
        raise CapacityError(f"{path}: {exc.strerror}.") from None
    except (DecodeError, UnicodeDecodeError) as exc:
        raise CapacityError(f"{path}: {exc}.") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loadtest capacity", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="fit|check|plan")

    fit = commands.add_parser("fit", help="fit a model on the results of several runs")
    fit.add_argument("runs", type=Path, nargs="+", metavar="RUN.json")
    fit.add_argument(
        "--saturated",
        type=Path,
        nargs="+",
        default=[],
        metavar="RUN.json",
        help="runs at the highest rate that passes, with at least four numbers of workers",
    )
    fit.add_argument("-o", "--output", type=Path, default=Path("model.json"))
    fit.set_defaults(command=_fit)

    check = commands.add_parser("check", help="predict a run that the model has not seen")
    check.add_argument("--model", type=Path, required=True)
    check.add_argument("run", type=Path, metavar="RUN.json")
    check.set_defaults(command=_check)

    wish = commands.add_parser("plan", help="what a deployment of that size needs")
    wish.add_argument("--model", type=Path, required=True)
    wish.add_argument("--connections", type=_count, required=True)
    wish.add_argument("--messages-per-s", type=_amount, required=True)
    wish.add_argument("--room-size", type=_amount, required=True)
    wish.add_argument("--reconnects-per-s", type=_amount, default=0.0)
    wish.add_argument(
        "--worker-descriptors",
        type=_descriptors,
        default=20_000,
        help="descriptor limit of a worker, and of HAProxy (default: %(default)s)",
    )
    wish.add_argument("--utilisation", type=_share, default=0.6, help="default: %(default)s")
    wish.set_defaults(command=_plan)
    return parser


def _count(word: str) -> int:
    number = int(word.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _amount(word: str) -> float:
    number = float(word.replace("_", "").replace(",", ""))
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _descriptors(word: str) -> int:
    number = _count(word)
    if number <= WORKER_RESERVED_DESCRIPTORS:
        raise argparse.ArgumentTypeError(f"must be above {WORKER_RESERVED_DESCRIPTORS}")
    return number


def _share(word: str) -> float:
    number = float(word)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1")
    return number
