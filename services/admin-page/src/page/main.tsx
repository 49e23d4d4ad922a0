import { render } from 'preact';
import { App } from './app.tsx';
import { applyScheme } from './parts/scheme.ts';

applyScheme();
render(<App />, document.getElementById('page')!);
