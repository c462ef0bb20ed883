/** What Python code reaches by module name: `pymongo.ASCENDING`, `bson.SON`, `gridfs.NoFile`. */

export * as bson from './namespaces/bson';
export * as gridfs from './namespaces/gridfs';
export * as pymongo from './namespaces/pymongo';
