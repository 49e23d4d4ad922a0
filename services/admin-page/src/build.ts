/** `npm run build`: bundles the page ahead of time, for images that carry no bundler. */
import { pageFiles } from './page-files.ts';

const files = [...(await pageFiles()).values()];
const octets = files.reduce((sum, { content }) => sum + content.length, 0);
process.stdout.write(`the page: ${files.length} files, ${octets} octets\n`);
