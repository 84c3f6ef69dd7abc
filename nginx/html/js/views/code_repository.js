import { api } from '../api.js';
import { again, edit } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { thingPage } from '../parts/thing.js';

/** What is configured, without what only its owner should know. */
const open = (config) => Object.fromEntries(Object.entries(config).map(([key, value]) => [key, /token|password|secret|key/i.test(key) && value ? '•••' : value]));

export default async function codeRepositoryView(page) {
  const repository = await api.get(`code_repositories/${page.params.id}`, null, page.signal);
  const { body, metadata: more } = repository;
  const path = `code_repositories/${repository.id}`;
  thingPage(page, repository, {
    title: repository.name,
    all: ['/code-repositories', 'Code repositories'],
    actions: [edit({ what: 'code repository', name: repository.name, path, done: () => again(page), fields: [
      { name: 'name', label: 'Name', value: repository.name, required: true, maxlength: 255 },
      { name: 'description', label: 'Description', kind: 'textarea', value: more.description }] }),
    remove({ what: 'code repository', name: repository.name, path, then: '/code-repositories', text: 'Runs stay, without their commits.' })],
    facts: [['Description', more.description], ['Source', [body.source.module, body.source.attribute].filter(Boolean).join('.'), true]],
    blocks: [['Configuration', open(more.config)]],
  });
}
