import { expect } from 'chai';

/** The error that a promise fails with; the test fails when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('it did not fail'),
    (error: Error) => error,
  );
}
