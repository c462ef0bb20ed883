/** The module `gridfs` of PyMongo 2.7, with its errors and constants. @module */

export { CorruptGridFile, FileExists, GridFSError, NoFile, UnsupportedAPI } from '../../core/errors';
export { DEFAULT_CHUNK_SIZE, SEEK_CUR, SEEK_END, SEEK_SET } from '../constants';
