// Blocks its loop; compiled to ../beside.js and ../inside.js by make.sh.
interface Work { readonly length: number; }

function busy(work: Work): number {
  const end: number = Date.now() + work.length;
  let sink: number = 0;
  while (Date.now() < end) sink = (sink + 1) | 0;
  return sink;
}

setInterval((): void => { busy({ length: 100 }); }, 250);
process.stdout.write('ready 0\n');
