/** What there is of `tornado.web`: routing and templates are the application's choice in Node. */
export { HTTPError } from '../../lib/motor/web';
