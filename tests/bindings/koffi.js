// koffi reads types and prototypes: here all of the header's, as the C preprocessor leaves it. Prints the size of each struct, and opens a
// session on a simulated machine with 8 GPUs.    koffi.js HEADER SIZES LIBRARY
const fs = require('fs');
const koffi = require('koffi');
const [header, sizes] = process.argv.slice(2, 4).map((path) => fs.readFileSync(path, 'utf8'));

for (const [, type, name] of header.matchAll(/^typedef (u?int32_t) (\w+);$/gm)) koffi.alias(name, type);
for (const [, name] of header.matchAll(/^typedef struct (\w+) \1;$/gm)) koffi.opaque(name);
koffi.proto('void zeus_amd_log_fn(uint32_t level, const char *text, void *user)');
for (const [, name, body] of header.matchAll(/^typedef struct (\w+) \{\n([^}]*)\}/gm)) {
    const fields = [...body.matchAll(/^ +(.*?)(\w+)((?:\[\d+\])?);$/gm)];
    koffi.struct(name, Object.fromEntries(fields.map(([, type, field, array]) => [field, type.replace('struct ', '').trim() + array])));
}
for (const line of sizes.trim().split('\n')) {
    const name = line.split(' ')[0];
    console.log(`${name} ${koffi.sizeof(name)}`);
}

const library = koffi.load(process.argv[4]);
const functions = header.replace(/^typedef struct \w+ \{[^}]*\} \w+;$|^typedef .*;$|^enum\s*\{[^}]*\};$/gm, '');
const prototypes = [...functions.matchAll(/(?:const )?\w+ \**(zeus_amd_\w+)\([^)]*\);/g)];
if (prototypes.length !== functions.match(/\bzeus_amd_\w+\(/g).length) throw new Error('a function is not read');
const zeus = {};
for (const [text, name] of prototypes) {
    // Koffi names a pointer to a function as one, and has to be told what a function writes.
    const prototype = text.replace(';', '').replace(/struct /g, '').replace('zeus_amd_log_fn callback', 'zeus_amd_log_fn *callback');
    zeus[name] = library.func(prototype.replace(/(zeus_amd_session_t \*\*session|uint32_t \*count)/, '_Out_ $1'));
}
const session = [null];
const count = [0];
if (zeus.zeus_amd_open(null, session) || zeus.zeus_amd_gpu_count(session[0], count) || count[0] !== 8) throw new Error(`${count} GPUs`);
zeus.zeus_amd_close(session[0]);
