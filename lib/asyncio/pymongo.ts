/** The namespace `pymongo`: names of 2.7 and of 4.9 side by side. */

export * from '../motor/namespaces/pymongo';
export * from './values';
