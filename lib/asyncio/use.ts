/** What can be used and then done with. */
interface Closeable {
  close(): unknown;
}

/**
 * Python's `async with`: run `body` with a resource, then close it, whether the body failed or not.
 * @param resource a cursor or a client, or a Promise of one
 * @returns what `body` gives
 * @throws what `body` throws
 * @example const first = await use(db.pages.find(), (cursor) => cursor.to_list(10));
 * @see Motor 3.8, AsyncIOMotorCursor.__aenter__
 */
export async function use<R extends Closeable, T>(
  resource: R | PromiseLike<R>,
  body: (resource: R) => T | PromiseLike<T>,
): Promise<T> {
  const opened = await resource;
  try {
    return await body(opened);
  } finally {
    await opened.close();
  }
}
