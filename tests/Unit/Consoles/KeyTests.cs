using Lamina.Api.Input;
using Lamina.Server.Consoles;

namespace Lamina.Tests.Unit.Consoles;

public class KeyTests
{
    [Theory]
    [InlineData("")]
    [InlineData("ctrl-")]
    [InlineData("ctrl alt")]
    [InlineData("foo")]
    [InlineData("a-b-c-d-e-f-g-h-i")]
    public void What_is_no_chord_is_none(string chord) => Assert.Null(KeyChords.Parse(chord));

    [Theory]
    [InlineData("ctrl-alt-delete", "ctrl alt delete")]
    [InlineData("Ctrl-Alt-Del", "ctrl alt delete")]
    [InlineData("F12", "f12")]
    [InlineData("win-r", "meta_l r")]
    [InlineData("enter", "ret")]
    public void A_chord_is_its_keys(string chord, string codes) => Assert.Equal(codes.Split(' '), KeyChords.Parse(chord));

    [Theory]
    [InlineData("us", "aZ0)", "a|shift z|0|shift 0")]
    [InlineData("kr", "@\"", "shift 2|shift apostrophe")]
    [InlineData("de", "zY@", "y|shift z|alt_r q")]
    [InlineData("de", "ß€\\", "minus|alt_r e|alt_r minus")]
    [InlineData("de", "^`", "grave_accent|spc|shift equal|spc")]
    [InlineData(null, "a\r\nb\t", "a|ret|b|tab")]
    public void A_text_is_typed_as_the_layout_has_it(string? layout, string text, string chords)
    {
        var problems = new InputProblems();
        var typed = KeyboardLayouts.Chords(text, layout, problems);
        Assert.Empty(problems.Found);
        Assert.Equal(chords, string.Join('|', typed.Select(chord => string.Join(' ', chord))));
    }

    [Theory]
    [InlineData("fr", "a", "$.layout")]
    [InlineData("us", "aä한😀", "$.text")]
    [InlineData("us", "\u001b[2J", "$.text")]
    public void What_a_layout_cannot_type_is_said_at_once(string layout, string text, string path)
    {
        var problems = new InputProblems();
        KeyboardLayouts.Chords(text, layout, problems);
        Assert.Equal(path, Assert.Single(problems.Found).Path);
        Assert.DoesNotContain('\u001b', problems.Found[0].Message);
    }

    [Theory]
    [InlineData("us")]
    [InlineData("de")]
    public void Every_printable_ASCII_character_can_be_typed(string layout)
    {
        var problems = new InputProblems();
        KeyboardLayouts.Chords(string.Concat(Enumerable.Range(0x20, 0x5f).Select(code => (char)code)), layout, problems);
        Assert.Empty(problems.Found);
    }
}
