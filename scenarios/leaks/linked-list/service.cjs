// a linked list to which something is always added
'use strict';
const { drive } = require('../driver.cjs');
const log = { head: null, length: 0 };

class Entry { constructor(text, next) { this.text = text; this.next = next; } }

drive((i) => { log.head = new Entry(`entry ${i}`, log.head); log.length += 1; });
