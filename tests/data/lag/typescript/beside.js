function busy(work) {
    const end = Date.now() + work.length;
    let sink = 0;
    while (Date.now() < end)
        sink = (sink + 1) | 0;
    return sink;
}
setInterval(() => { busy({ length: 100 }); }, 250);
process.stdout.write('ready 0\n');
//# sourceMappingURL=beside.js.map