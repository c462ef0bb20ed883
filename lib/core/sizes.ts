import { calculateObjectSize, type Document } from 'bson';
import { DocumentTooLarge, InvalidDocument, NotPrimaryError } from './errors';
import type { Operation } from './operation';
import type { ServerDescription } from './serverDescription';

/** What servers grant a command or a statement beyond the document in it, and what a message holds besides its documents. */
export const OVERHEAD = 16 * 1024;

/**
 * The error for a message, or a document in it, that is larger than the server takes; null if there is none. Short
 * messages, hence nearly all, need no look at their documents.
 */
export function tooLarge(messageSize: number, operation: Operation, limits: ServerDescription): Error | null {
  if (messageSize <= limits.maxBsonSize) return null;
  const where = `${operation.description} at ${limits.address}`;
  const documents = userDocuments(operation.command);
  for (const [index, document] of documents.entries()) {
    const size = sizeOf(document);
    if (size > limits.maxBsonSize) {
      const which = documents.length === 1 ? 'the document has' : `document ${index + 1} of ${documents.length} has`;
      return new DocumentTooLarge(`${where}: ${which} ${size} bytes, the server takes ${limits.maxBsonSize}`);
    }
  }
  const longest = operation.options.sequence === undefined ? limits.maxBsonSize + OVERHEAD : limits.maxMessageSize;
  if (messageSize <= longest) return null;
  return new DocumentTooLarge(`${where}: the command has ${messageSize} bytes, the server takes ${longest}`);
}

/** What the encoder threw, as an error of ours that says where. */
export function encodingError(error: Error, operation: Operation, limits: ServerDescription): Error {
  if (error instanceof DocumentTooLarge || error instanceof NotPrimaryError) return error;
  // The encoder's own buffer of 17 MB was too small.
  if (error instanceof RangeError) {
    const size = userDocuments(operation.command).reduce((sum, document) => sum + sizeOf(document), 0);
    const found = tooLarge(Math.max(size, limits.maxMessageSize + 1), operation, limits);
    if (found !== null) return found;
  }
  return new InvalidDocument(`${operation.description}: ${error.message}`, { cause: error });
}

/** The documents that a write command carries on behalf of the user. */
function userDocuments(command: Document): Document[] {
  if (Array.isArray(command.documents)) return command.documents;
  if (Array.isArray(command.updates)) return command.updates.map((update: Document) => update.u as Document);
  if (command.update !== null && typeof command.update === 'object') return [command.update as Document];
  return [];
}

/** Bytes of a document as it is encoded. */
export function sizeOf(document: Document): number {
  return calculateObjectSize(document, { ignoreUndefined: false });
}
