import java.io.FileInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.VeraPDFFoundry;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** java Validate.java FILE FLAVOUR...: is it valid PDF/A (2b, 2u, 4) or PDF/UA (ua2)? */
class Validate {
    public static void main(String[] arguments) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        boolean good = true;
        for (int k = 1; k < arguments.length; k++) {
            PDFAFlavour flavour = PDFAFlavour.fromString(arguments[k]);
            String standard = arguments[k].startsWith("ua")
                    ? "UA-" + arguments[k].substring(2) : "A-" + arguments[k];
            VeraPDFFoundry foundry = Foundries.defaultInstance();
            FileInputStream file = new FileInputStream(arguments[0]);
            try (PDFAParser parser = foundry.createParser(file, flavour)) {
                PDFAValidator validator = foundry.createValidator(flavour, false);
                ValidationResult result = validator.validate(parser);
                System.out.printf("%s: PDF/%s %s, %d checks%n", arguments[0], standard,
                        result.isCompliant() ? "valid" : "NOT valid", result.getTotalAssertions());
                Map<String, List<String>> places = new TreeMap<>();
                for (TestAssertion found : result.getTestAssertions()) {
                    String rule = found.getRuleId().getClause() + " " + found.getMessage();
                    places.computeIfAbsent(rule, key -> new ArrayList<>())
                          .add(found.getLocation().getContext());
                }
                places.forEach((rule, where) -> System.out.printf(
                        "    %s%n        %d times, first at %s%n",
                        rule, where.size(), where.get(0)));
                good &= result.isCompliant();
            }
        }
        System.exit(good ? 0 : 1);
    }
}
