using System.Text.Json.Nodes;
using Lamina.Cli.Output;

namespace Lamina.Tests.Unit.Cli;

public class OutputTests
{
    private static readonly Column<(string Name, int Size)>[] Columns =
        [new("name", i => i.Name), new("size", i => i.Size.ToString(), AlignRight: true)];

    [Fact]
    public void A_table_pads_with_spaces_and_aligns_numbers_to_the_right()
    {
        var text = TextTable.Render([("a", 5), ("longer", 1234)], Columns, width: null);
        Assert.Equal("NAME    SIZE\na          5\nlonger  1234\n", text);
    }

    [Fact]
    public void A_wide_letter_takes_two_columns() =>
        Assert.Equal("NAME  SIZE\n가나     5\nab      12\n", TextTable.Render([("가나", 5), ("ab", 12)], Columns, width: null));

    [Fact]
    public void A_terminal_gets_no_line_longer_than_it_is_wide()
    {
        var text = TextTable.Render([(new string('x', 100), 5)], Columns, width: 40);
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 40));
    }

    [Fact]
    public void No_escape_sequence_of_a_guest_reaches_the_terminal() =>
        Assert.DoesNotContain('\u001b', TextTable.Render([("\u001b]0;owned\u0007", 1)], Columns, width: null));

    [Fact]
    public void Csv_quotes_what_needs_it() =>
        Assert.Equal("name,size\r\n\"a,\"\"b\"\"\",1\r\n", CsvText.Render([("a,\"b\"", 1)], Columns));

    [Fact]
    public void Yaml_keeps_strings_strings()
    {
        var yaml = YamlText.Render(JsonNode.Parse("""{"a":"12","b":12,"c":"true","d":[true,null],"e":"two\nlines"}"""));
        Assert.Equal("a: \"12\"\nb: 12\nc: \"true\"\nd:\n- true\n- null\ne: |-\n  two\n  lines\n", yaml);
    }
}
