"""The client for programs without an event loop: `RouteMoAClient`, run on a thread of its own.

call -> coroutine on the private loop -> result, in the caller's thread

Every method has the parameters, results and errors of the same method of `RouteMoAClient`.
"""

from __future__ import annotations

import asyncio
from threading import Thread
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from routemoa.client import JUDGE_ADDRESS, ROUTER_ADDRESS, SCORER_ADDRESS, RouteMoAClient

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Callable,
        Coroutine,
        Generator,
        Iterable,
        Iterator,
        Sequence,
    )

    from grpc import ChannelCredentials

    from routemoa.v1.scorer_service_pb2 import StreamRankModelsResponse

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[RouteMoAClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[BlockingClient, P], T]:
    def call(client: BlockingClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.run(method(client.client, *args, **kwargs))

    call.__doc__ = method.__doc__
    return call


def _iterating(
    method: Callable[Concatenate[RouteMoAClient, P], AsyncGenerator[T, None]],
) -> Callable[Concatenate[BlockingClient, P], Generator[T, None, None]]:
    def call(
        client: BlockingClient, /, *args: P.args, **kwargs: P.kwargs
    ) -> Generator[T, None, None]:
        return client.iterate(method(client.client, *args, **kwargs))

    call.__doc__ = method.__doc__
    return call


class BlockingClient:
    """`RouteMoAClient` without `await`; a context manager, safe to share among threads.

    Takes what `RouteMoAClient` takes. Iterators cancel their call when they are closed, or left by
    `break` and dropped.
    """

    def __init__(
        self,
        router: str = ROUTER_ADDRESS,
        *,
        scorer: str = SCORER_ADDRESS,
        judge: str = JUDGE_ADDRESS,
        credentials: ChannelCredentials | None = None,
        token: Callable[[], str] | None = None,
        plaintext_token: bool = False,
        request_id: str | None = None,
        gzip: bool = False,
        proxy: bool = False,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="routemoa", daemon=True)
        self._thread.start()

        async def opened() -> RouteMoAClient:  # on the loop, to which its channels then belong
            return RouteMoAClient(
                router,
                scorer=scorer,
                judge=judge,
                credentials=credentials,
                token=token,
                plaintext_token=plaintext_token,
                request_id=request_id,
                gzip=gzip,
                proxy=proxy,
            )

        try:
            self.client = self.run(opened())
        except BaseException:
            self._stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the calls and the thread."""
        self.run(self.client.__aexit__())
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the client's loop and returns its result; interrupts cancel it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, source: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Yields what an async generator of the client yields."""
        try:
            while True:
                try:
                    yield self.run(_next(source))
                except StopAsyncIteration:
                    return
        finally:
            if not self._loop.is_closed():  # else the call ended with the client
                self.run(source.aclose())

    rank = _blocking(RouteMoAClient.rank)
    rank_many = _blocking(RouteMoAClient.rank_many)
    scorer_info = _blocking(RouteMoAClient.scorer_info)
    route = _blocking(RouteMoAClient.route)
    answer = _blocking(RouteMoAClient.answer)
    stream = _iterating(RouteMoAClient.stream)
    feedback = _blocking(RouteMoAClient.feedback)
    router_info = _blocking(RouteMoAClient.router_info)
    models = _blocking(RouteMoAClient.models)
    assess = _blocking(RouteMoAClient.assess)

    def rank_stream(
        self,
        queries: Iterable[str],
        model_ids: Sequence[str] = (),
        *,
        timeout_s: float | None = None,
    ) -> Iterator[StreamRankModelsResponse]:
        """Yields one ranking or error per query, in order, for any number of queries."""
        source = self.client.rank_stream(_threaded(queries), model_ids, timeout_s=timeout_s)
        return self.iterate(source)


async def _next(source: AsyncGenerator[T, None]) -> T:
    return await anext(source)


async def _threaded(items: Iterable[T]) -> AsyncIterator[T]:
    """Yields from an iterable that may block, without holding the loop up."""
    iterator, end = iter(items), object()
    while (item := await asyncio.to_thread(next, iterator, end)) is not end:
        yield item  # type: ignore[misc]  # it is not the end, so it is a T
