// a Map that is only ever filled
'use strict';
const { drive } = require('../driver.cjs');
const users = new Map();

class User { constructor(i) { this.id = i; this.name = `user-${i}`; this.rights = ['read', `r${i}`]; } }

drive((i) => {
  if (!users.has(i)) users.set(i, new User(i));
  return users.get(i).name;
});
