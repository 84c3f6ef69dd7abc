import { runList } from '../parts/runs.js';

export default (page) => runList(page, { title: 'Runs' }).start;
