// Translations: a file for each text and language, looked up when the page is made.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { serve } from '../../../shared/web';

class Translations {
  #folder: string;
  constructor(folder: string, texts: number) {
    this.#folder = folder;
    fs.mkdirSync(folder, { recursive: true });
    for (let i = 0; i < texts; i += 1) fs.writeFileSync(path.join(folder, `de-${i}.txt`), `Text ${i}`);
  }
  text(language: string, id: number): string {
    const file = path.join(this.#folder, `${language}-${id}.txt`);
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : this.text('de', id);
  }
}

const translations = new Translations(path.resolve('texts'), 2000);
serve({
  'GET /products/:id': ({ id }: { id: string }) => ({ id, name: translations.text('de', Number(id)) }),
  'GET /prices': () => ({ length: Array.from({ length: 2000 }, (_, i) => translations.text('en', i)).join('').length }),
});
