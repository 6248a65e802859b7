// code that is compiled anew for each request
import { drive } from '../driver.cjs';
import vm from 'node:vm';

const templates = [];
drive((i) => {
  const render = vm.runInThisContext(`(function render(data) { return 'Dear ' + data.name + ' ${i}'; })`);
  render({ name: 'x' });
  templates.push(render);
});
