import tseslint from 'typescript-eslint';
import prettier from 'eslint-config-prettier';

/** Time, chance and waiting come into the pure rooms as arguments. */
const impure = [
  {
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    message: 'The clock comes in as `now`.',
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'The clock comes in as `now`.',
  },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Chance comes in as an argument.',
  },
];
const waiting = [
  {
    selector: ':function[async=true]',
    message: 'The core decides at once: nothing is awaited here.',
  },
  { selector: 'AwaitExpression', message: 'The core decides at once: nothing is awaited here.' },
];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'coverage/**', 'images/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base, prettier],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './provider/tsconfig.json', './examples/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      'no-empty': 'error',
      'prefer-const': 'error',
      eqeqeq: ['error', 'always'],
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 70 }],
    },
  },
  {
    files: ['controller/core/**', 'controller/commands/**', 'agent/core/**'],
    rules: { 'no-restricted-syntax': ['error', ...impure, ...waiting] },
  },
  {
    files: ['controller/engine/**', 'protocol/**'],
    rules: { 'no-restricted-syntax': ['error', ...impure] },
  },
  {
    files: ['test/**', 'bench/**'],
    rules: { 'max-lines-per-function': 'off' },
  },
);
