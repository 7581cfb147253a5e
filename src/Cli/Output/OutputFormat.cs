namespace Lamina.Cli.Output;

internal enum OutputFormat
{
    Table,
    Json,
    Yaml,
    Csv,
}
