// whole requests kept for a few of their fields
import { drive } from '../driver.cjs';
import http from 'node:http';

const lastRequests = new Map();
drive((i) => {
  const request = new http.IncomingMessage(null);
  request.url = `/u/${i}`;
  request.headers = { 'x-id': `${i}` };
  lastRequests.set(`user-${i}`, request);
});
