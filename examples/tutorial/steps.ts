/** What the tutorial does, in order, and what there is to know about it. Each style has code for every one of these. */
export const STEPS = {
  'Create a client': 'One client serves the whole program. It connects with its first operation, not before.',
  'Get a database':
    'Databases need not be made: the first insert does that. `client.shop` gives the database `shop` too.',
  'Get a collection':
    'So with collections. `db.things` gives the collection `things`; `get_collection` reaches any name.',
  'Insert a document': 'The result is its `_id`, which the driver adds where there is none.',
  'Insert 2000 documents':
    'They travel together, in as few messages as the server allows. The result is the list of ids.',
  'Insert the same _id twice':
    'What the server refuses becomes an error: here DuplicateKeyError, with the code of the server.',
  'Find one document': 'The first that matches, or null.',
  'Find many: to_list':
    '`find` only makes a cursor; nothing is sent before it is read. `to_list(n)` reads at most n documents.',
  'Find many: each': 'A function is called with every document, and with null at the end.',
  'Find many: fetch_next':
    'One by one, when you want the next: `fetch_next` asks the server only when a batch is used up.',
  'Find many: stop in the middle':
    'Each style can leave its loop. `for await` closes the cursor by itself; elsewhere `close` does.',
  'Sort, skip and limit': 'A cursor is told so before it is read. A sort by several keys is a list of pairs.',
  Count: 'All documents of a collection, or those that a cursor would find.',
  'Replace a document': 'A document without operators takes the place of the one found, which keeps its `_id`.',
  'Change a document':
    '`$set` and other operators change only what they name. The result tells how many documents matched.',
  'Change many documents': 'Only the first match is changed, unless `multi` is true.',
  'Save a document': 'Without an `_id` it is inserted; with one it replaces the document of that `_id`.',
  'Remove documents':
    'All that match are removed. Beware: without an argument those are all documents of the collection.',
  'Run a command: count':
    'Any command of the server can be run. Its name must come first: SON keeps the order of keys for sure.',
  'Run a command: distinct': 'The name and its value may also come alone, and the other fields as keywords.',
  'Close the client': 'It closes the connections, and lets the program end.',
} as const;

export type Title = keyof typeof STEPS;

/** Where the tutorial works. */
export interface Place {
  readonly uri: string;
  readonly database: string;
  readonly collection: string;
}
