"""SQLAlchemy 2, the asyncio extension of its ORM, on asyncpg."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    URL,
    BigInteger,
    DateTime,
    FetchedValue,
    Integer,
    String,
    Text,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .peer import BATCH, POOL_SIZE, NewRow, Peer, server_of


class Base(DeclarativeBase): ...


class Post(Base):
    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    title: Mapped[str] = mapped_column(String(255))
    content: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(String(255), unique=True)
    status: Mapped[str] = mapped_column(String(20), server_default="draft")
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    search: Mapped[str | None] = mapped_column(
        TSVECTOR, server_default=FetchedValue(), deferred=True
    )

    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012


class SQLAlchemy(Peer):
    async def open(self, url: str) -> None:
        server = server_of(url)
        self._engine = create_async_engine(
            URL.create(
                "postgresql+asyncpg",
                username=server.user,
                password=server.password or None,
                database=server.database,
                query={"host": server.host, "port": str(server.port)},
            ),
            pool_size=POOL_SIZE,
            max_overflow=0,
        )
        self._session = async_sessionmaker(self._engine, expire_on_commit=False)

    async def close(self) -> None:
        await self._engine.dispose()

    async def get(self, id: int) -> object:
        async with self._session() as session:
            return await session.get_one(Post, id)

    async def get_by_slug(self, slug: str) -> object:
        async with self._session() as session:
            return (await session.scalars(select(Post).where(Post.slug == slug))).one()

    async def page(self, limit: int) -> Sequence[object]:
        query = select(Post).order_by(Post.created_at.desc(), Post.id.desc()).limit(limit)
        async with self._session() as session:
            return (await session.scalars(query)).all()

    async def create(self, row: NewRow) -> object:
        post = Post(**row._asdict())
        async with self._session.begin() as session:
            session.add(post)
        return post

    async def update(self, id: int, title: str) -> object:
        async with self._session.begin() as session:
            post = await session.get_one(Post, id)
            post.title = title
        return post

    async def publish(self, id: int, at: datetime) -> object:
        async with self._session.begin() as session:
            post = await session.get_one(Post, id)
            post.status = "published"
            post.published_at = at
        return post

    async def create_many(self, rows: Sequence[NewRow]) -> object:
        async with self._session.begin() as session:
            return await session.execute(insert(Post), [row._asdict() for row in rows])

    async def stream(self) -> int:
        number = 0
        query = select(Post).order_by(Post.created_at, Post.id)
        async with self._session() as session:
            found = await session.stream_scalars(query.execution_options(yield_per=BATCH))
            async for _ in found:
                number += 1
        return number

    async def search(self, words: str) -> Sequence[object]:
        query = func.websearch_to_tsquery(literal_column("'english'"), words)
        rank = func.ts_rank(Post.search, query)
        snippet = func.ts_headline(literal_column("'english'"), Post.content, query)
        best = (
            select(Post.id, rank.label("rank"))
            .where(Post.search.bool_op("@@")(query))
            .order_by(rank.desc(), Post.id.desc())
            .limit(20)
            .subquery()
        )
        async with self._session() as session:
            found = await session.execute(
                select(Post, best.c.rank, snippet).join(best, Post.id == best.c.id)
            )
            return found.all()
